// Which span is selected: `{ index, id, place }`, kept in the address as `span`.
//
// In: the rows, the id in the address. Out: the selection, and functions that move it. State: the selection; keys that
// follow each other faster than the page is drawn read it by `now()`.
import { change } from "../../lib/address.js";
import { useEffect, useRef, useState } from "../../lib/preact.js";

const WRITE_MS = 250;

/**
 * rows: of `useRows`. wanted: the id in the address.
 *
 * Returns `{ selected, now, select(index, centre), opened, open, scrollTo, expect(id) }`: a span that is expected is
 * selected as soon as the rows say where it is.
 */
export function useSelection(rows, wanted) {
  const [selected, setSelected] = useState(wanted ? { index: null, id: wanted, place: null } : null);
  const [opened, open] = useState(Boolean(wanted));
  const [scrollTo, setScrollTo] = useState(null);
  const [expected, setExpected] = useState(wanted ? { id: wanted } : null);
  const latest = useRef(selected);
  const set = (value) => { latest.current = value; setSelected(value); };
  const select = (index, centre = false) => {
    const row = rows.row(index);
    setExpected(null);
    set({ index, id: row?.span_id ?? null, place: row?.place ?? null });
    setScrollTo({ index, centre });
  };
  const index = expected && rows.key !== null && rows.revealed === expected.id ? rows.head?.reveal ?? null : null;
  useEffect(() => {
    if (index === null) return;
    set({ index, id: expected.id, place: rows.row(index)?.place ?? null });
    setScrollTo({ index, centre: true });
    setExpected(null);
  }, [index, expected]);
  const row = selected?.index == null ? null : rows.row(selected.index);
  useEffect(() => { // its row was not loaded yet
    if (row && !selected.id) set({ index: selected.index, id: row.span_id, place: row.place });
  }, [row, selected?.id]);
  useEffect(() => {
    if (!selected?.id || selected.id === wanted) return undefined;
    const timer = window.setTimeout(() => change({ span: selected.id }, { replace: true }), WRITE_MS);
    return () => window.clearTimeout(timer);
  }, [selected?.id]);
  return { selected, now: () => latest.current, select, opened, open, scrollTo, expect: (id) => setExpected({ id }) };
}
