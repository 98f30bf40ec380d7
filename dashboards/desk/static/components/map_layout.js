// Where the nodes and edges of the map stand: in columns, each behind those that call it.
//
// In: `/api/map`'s answer; whether columns are rows (on a phone). Out: nodes with a place, edges with a path.
const NODE = { width: 208, head: 50, step: 19, foot: 8 };
const NODE_DOWN = { ...NODE, width: 158 };
const GAP = { along: 150, beside: 28, alongDown: 76, besideDown: 14 };
const MOST_STEPS = 6;
const MARGIN = 16;

/** Return `{ nodes, edges, width, height }`; a node has `x, y, width, height`, an edge `path, x, y` of its label. */
export function layout({ nodes, edges }, down = false) {
  const { width, head, step, foot } = down ? NODE_DOWN : NODE;
  const levels = levelsOf(nodes, edges);
  const columns = [];
  for (const node of nodes) {
    const steps = (node.steps ?? []).slice(0, MOST_STEPS);
    const more = (node.steps ?? []).length - steps.length;
    const height = head + (steps.length ? steps.length * step + foot : 0) + (more ? step : 0);
    (columns[levels.get(node.name)] ??= []).push({ ...node, steps, more, width, height });
  }
  const filled = columns.filter(Boolean);
  const placed = down ? placeDown(filled) : placeAcross(filled);
  const byName = new Map(placed.nodes.map((node) => [node.name, node]));
  const drawn = edges.filter((edge) => byName.has(edge.source) && byName.has(edge.target) && edge.source !== edge.target);
  return { ...placed, edges: drawn.map((edge) => ({ ...edge, ...pathOf(byName.get(edge.source), byName.get(edge.target), down) })) };
}

/** How many calls away from a beginning each node is; a circle is cut where it closes. */
function levelsOf(nodes, edges) {
  const calls = new Map(nodes.map((node) => [node.name, edges.filter((edge) => edge.source === node.name && edge.target !== node.name).map((edge) => edge.target)]));
  const called = new Set(edges.filter((edge) => edge.source !== edge.target).map((edge) => edge.target));
  const levels = new Map(nodes.map((node) => [node.name, 0]));
  const visit = (name, level, way) => {
    if (way.has(name) || !levels.has(name) || level > nodes.length) return;
    if (level < levels.get(name) || (level > 0 && level === levels.get(name))) return;
    levels.set(name, level);
    for (const next of calls.get(name) ?? []) visit(next, level + 1, new Set([...way, name]));
  };
  const first = nodes.filter((node) => !called.has(node.name));
  for (const node of first.length ? first : nodes.slice(0, 1)) visit(node.name, 0, new Set());
  return levels;
}

function placeAcross(columns) {
  const heights = columns.map((column) => column.reduce((sum, node) => sum + node.height + GAP.beside, -GAP.beside));
  const height = Math.max(...heights) + 2 * MARGIN;
  const nodes = columns.flatMap((column, index) => {
    let y = (height - heights[index]) / 2;
    return column.map((node) => {
      const place = { ...node, x: MARGIN + index * (NODE.width + GAP.along), y };
      y += node.height + GAP.beside;
      return place;
    });
  });
  return { nodes, width: 2 * MARGIN + columns.length * (NODE.width + GAP.along) - GAP.along, height };
}

function placeDown(rows) {
  const across = NODE_DOWN.width + GAP.besideDown;
  const widths = rows.map((row) => row.length * across - GAP.besideDown);
  const width = Math.max(...widths) + MARGIN;
  let y = MARGIN;
  const nodes = rows.flatMap((row, index) => {
    const placed = row.map((node, place) => ({ ...node, x: (width - widths[index]) / 2 + place * across, y }));
    y += Math.max(...row.map((node) => node.height)) + GAP.alongDown;
    return placed;
  });
  return { nodes, width, height: y - GAP.alongDown + MARGIN };
}

function pathOf(from, to, down) {
  const start = down ? [from.x + from.width / 2, from.y + from.height] : [from.x + from.width, from.y + Math.min(from.height / 2, 40)];
  const end = down ? [to.x + to.width / 2, to.y] : [to.x, to.y + Math.min(to.height / 2, 40)];
  const bend = down ? [0, (end[1] - start[1]) / 2] : [(end[0] - start[0]) / 2, 0];
  const path = `M${start} C${start[0] + bend[0]} ${start[1] + bend[1]} ${end[0] - bend[0]} ${end[1] - bend[1]} ${end}`;
  return { path, x: (start[0] + end[0]) / 2, y: (start[1] + end[1]) / 2 };
}
