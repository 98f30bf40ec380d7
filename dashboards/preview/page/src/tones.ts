// The colours of tones, readable on both backgrounds.
import { type Theme, useTheme } from "@mui/material";
import type { Step, Tone } from "./api";

const LIGHT: Record<Tone, string> = { green: "#15803d", orange: "#b45309", red: "#c81e1e", text: "#1f2937", gray: "#8b95a3" };
const DARK: Record<Tone, string> = { green: "#4ade80", orange: "#fbbf24", red: "#ff7b72", text: "#e6e9ef", gray: "#7d8796" };

/** The colours of areas, clear on both backgrounds. */
export const FILLS: Record<Tone, string> = { green: "#2da160", orange: "#e08600", red: "#e02f44", text: "#6e7a8a", gray: "#9aa5b4" };

/** The tone of a value: that of the last step it has reached. */
export function toneOf(value: number | null | undefined, steps: Step[]): Tone {
  if (value === null || value === undefined || Number.isNaN(value)) return "gray";
  let tone: Tone = "text";
  for (const step of steps) if (step.at === null || value >= step.at) tone = step.tone;
  return tone;
}

export const colorOf = (tone: Tone, theme: Theme): string => (theme.palette.mode === "dark" ? DARK : LIGHT)[tone];

export function useColors(): (tone: Tone) => string {
  const theme = useTheme();
  return (tone) => colorOf(tone, theme);
}
