// What the server of the preview answers, and the specs of our own panels in it (dashboards/preview/panels.py).
import type { DashboardResource } from "@perses-dev/core";

export type Tone = "green" | "orange" | "red" | "text" | "gray";

/** From `at` on, values have this tone; null: below all others. */
export interface Step {
  at: number | null;
  tone: Tone;
}

/** A link from a row or a series; `url` has labels, variables and time as Grafana writes them. */
export interface Link {
  title: string;
  url: string;
  newTab: boolean;
}

/** How the answers of one query are shown. */
export interface Column {
  title: string;
  unit: string;
  steps: Step[];
  hidden: boolean;
  main: boolean;
}

export interface About {
  prometheus: string;
  problem: string;
}

export interface Entry {
  uid: string;
  title: string;
  question: string;
}

async function json<Answer>(path: string): Promise<Answer> {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Answer;
}

export const about = (): Promise<About> => json("/api/about");
export const boards = (): Promise<Entry[]> => json("/api/boards");
export const board = (uid: string, plain: boolean): Promise<DashboardResource> =>
  json(`/api/boards/${encodeURIComponent(uid)}${plain ? "?plain" : ""}`);
