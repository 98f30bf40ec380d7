// The page around a board: which boards there are, whether Prometheus answers, light or dark.
import { Alert, Box, CircularProgress, IconButton, Link, Tooltip, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import Moon from "mdi-material-ui/WeatherNight";
import Sun from "mdi-material-ui/WhiteBalanceSunny";
import { type ReactElement, type ReactNode, useEffect } from "react";
import { Link as Inside, Navigate, useLocation, useParams } from "react-router-dom";
import { kept, normalized } from "./addresses";
import { about, board, boards, type Entry } from "./api";
import { Board } from "./board";
import { withLabelParts } from "./variables";

interface Props {
  dark: boolean;
  onSwitch: () => void;
}

export function App(props: Props): ReactElement {
  const { uid } = useParams();
  const { search } = useLocation();
  const list = useQuery(["boards"], boards, { staleTime: Infinity });
  if (list.error) return <Problem>{String(list.error)}</Problem>;
  if (!list.data) return <Waiting />;
  const first = list.data[0];
  if (!uid) return first ? <Navigate to={`/d/${first.uid}${search}`} replace /> : <Problem>There are no boards.</Problem>;
  const wanted = normalized(search);
  if (wanted !== new URLSearchParams(search).toString()) return <Navigate to={`/d/${uid}?${wanted}`} replace />;
  return (
    <>
      <Bar entries={list.data} uid={uid} search={search} {...props} />
      <Shown key={uid} uid={uid} plain={new URLSearchParams(search).has("plain")} />
    </>
  );
}

function Bar({ entries, uid, search, dark, onSwitch }: Props & { entries: Entry[]; uid: string; search: string }): ReactElement {
  return (
    <Box component="nav" sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 0.5, px: 3, py: 0.75, borderBottom: 1, borderColor: "divider", backgroundColor: "background.paper" }}>
      {entries.map((entry) => (
        <Tooltip key={entry.uid} title={entry.question}>
          <Link
            component={Inside}
            to={`/d/${entry.uid}?${kept(search)}`}
            underline="none"
            aria-current={entry.uid === uid ? "page" : undefined}
            sx={{ px: 1.5, py: 0.75, borderRadius: 1, fontWeight: 600, color: entry.uid === uid ? "text.primary" : "text.secondary", backgroundColor: entry.uid === uid ? "action.selected" : undefined, "&:hover": { backgroundColor: "action.hover" } }}
          >
            {entry.title}
          </Link>
        </Tooltip>
      ))}
      <Box sx={{ flexGrow: 1 }} />
      <Source />
      <Tooltip title={dark ? "Light" : "Dark"}>
        <IconButton size="small" aria-label={dark ? "light colors" : "dark colors"} onClick={onSwitch}>{dark ? <Sun /> : <Moon />}</IconButton>
      </Tooltip>
    </Box>
  );
}

function Source(): ReactElement | null {
  const { data, error } = useQuery(["about"], about, { refetchInterval: 10_000 });
  const problem = error ? "The preview does not answer: it has ended." : data?.problem;
  if (problem) return <Alert severity="error" sx={{ py: 0 }}>{problem}</Alert>;
  return data ? (
    <Typography variant="body2" color="text.secondary" sx={{ mr: 1, display: "flex", alignItems: "center", gap: 0.75 }}>
      <Box component="span" sx={{ width: 8, height: 8, borderRadius: 4, backgroundColor: "success.main" }} />
      {data.prometheus}
    </Typography>
  ) : null;
}

function Shown({ uid, plain }: { uid: string; plain: boolean }): ReactElement {
  const { data, error } = useQuery(["board", uid, plain], () => board(uid, plain).then((found) => (plain ? found : withLabelParts(found))), { staleTime: Infinity });
  useEffect(() => {
    if (data?.spec.display?.name) document.title = data.spec.display.name;
  }, [data]);
  if (error) return <Problem>{String(error)}</Problem>;
  return data ? <Board resource={data} /> : <Waiting />;
}

function Problem({ children }: { children: ReactNode }): ReactElement {
  return <Alert severity="error" sx={{ m: 3 }}>{children}</Alert>;
}

function Waiting(): ReactElement {
  return <Box sx={{ p: 6, textAlign: "center" }}><CircularProgress size={28} aria-label="loading" /></Box>;
}
