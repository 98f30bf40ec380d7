// A button that offers links, filled with the labels, variables and time that they are about.
import { IconButton, Menu, MenuItem } from "@mui/material";
import type { TimeSeries } from "@perses-dev/core";
import { useAllVariableValues, useTimeRange } from "@perses-dev/plugin-system";
import OpenInNew from "mdi-material-ui/OpenInNew";
import { type ReactElement, useState } from "react";
import { Link as Inside, useLocation } from "react-router-dom";
import { type Chosen, resolved } from "./addresses";
import type { Link } from "./api";

/** What a link is about: its labels, and its name where several are offered. */
export interface Subject {
  name: string;
  labels: Record<string, string>;
}

const MOST = 24;

export const subjectOf = (series: TimeSeries): Subject => ({ name: series.formattedName ?? series.name, labels: series.labels ?? {} });

/** The links of each subject; those without a label of it are offered once. */
export function LinkMenu({ links, subjects }: { links: Link[]; subjects: Subject[] }): ReactElement | null {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const { pathname } = useLocation();
  const found = useOffers(links, subjects);
  if (found.length === 0) return null;
  return (
    <>
      <IconButton size="small" color="primary" aria-label="links" aria-haspopup="menu" onClick={(event) => setAnchor(event.currentTarget)}>
        <OpenInNew fontSize="inherit" />
      </IconButton>
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        {found.map(({ title, url, newTab }, place) => {
          const other = url.startsWith("/d/") && !url.startsWith(`${pathname}?`); // the board itself starts anew with other choices
          const to = other ? { component: Inside, to: url } : { component: "a", href: url, target: newTab ? "_blank" : undefined, rel: "noreferrer" };
          return <MenuItem key={place} dense onClick={() => setAnchor(null)} {...to}>{title}</MenuItem>;
        })}
      </Menu>
    </>
  );
}

function useOffers(links: Link[], subjects: Subject[]): Link[] {
  const { absoluteTimeRange } = useTimeRange();
  const { search } = useLocation();
  const states = useAllVariableValues();
  const chosen: Chosen = Object.fromEntries(Object.entries(states).map(([name, state]) => [name, state.value ?? ""]));
  const offers = new Map<string, Link>();
  for (const link of links) {
    const about = link.url.includes("${__field.") ? subjects : [{ name: "", labels: {} }];
    for (const { name, labels } of about) {
      const url = resolved(link.url, labels, { chosen, search: new URLSearchParams(search), ...absoluteTimeRange });
      if (url && !offers.has(url)) offers.set(url, { ...link, url, title: about.length > 1 ? `${link.title}: ${name}` : link.title });
    }
  }
  return [...offers.values()].slice(0, MOST);
}
