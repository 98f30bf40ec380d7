// What is chosen above a board, and what that makes of a query. In: a board's variables, the address. Out: values for
// queries and links. State: none beside the answers.
import { useAnswer } from "../../lib/api.js";
import { change } from "../../lib/address.js";
import { useMemo } from "../../lib/preact.js";

const IN_BAR = ["platform", "region", "version", "service"];

/**
 * The variables of a board: `[{ name, title, chosen, values, inBar, choose(value) }]`, and `filled(expression, times)`.
 * `chosen` is empty for all. What the bar above all views chooses holds here too.
 */
export function useVariables(board, address) {
  const until = Math.floor(address.range.until / 60) * 60;
  const chosen = Object.fromEntries(board.variables.map((each) => [each.name, chosenIn(address, each)]));
  const texts = JSON.stringify(chosen);
  return useMemo(() => {
    const fill = (expression) => filledBy(board.variables, chosen, expression);
    return { board, chosen, until, fill, choose: (name, value) => change({ [parameter(name)]: value }) };
  }, [board, texts, until]);
}

/** The values of a variable that are there, or null while they are asked for. */
export function useValues(variable, variables) {
  const query = variables.fill(`count by (${variable.label}) (${variable.series})`);
  const { answer } = useAnswer("/api/query", { query, time: variables.until + 60 });
  if (!answer) return null;
  const pattern = new RegExp(`^(?:${variable.pattern ?? "(.*)"})$`);
  const found = answer.data.result.map((each) => pattern.exec(each.metric[variable.label] ?? "")?.[1]);
  return [...new Set(found.filter(Boolean))].sort();
}

const parameter = (name) => (IN_BAR.includes(name) ? name : `var-${name}`);

/** What the address chooses: empty for all. An operation of the bar is the name of a span: `/search` is of `search`. */
function chosenIn({ query }, variable) {
  if (variable.name === "version") return (query.version ?? "").split(" ").pop();
  const own = query[parameter(variable.name)];
  if (own === "*") return "";
  if (own) return own;
  if (variable.name === "operation" && query.operation?.startsWith("/")) return query.operation.slice(1);
  return variable.first ?? "";
}

/** A query with every variable filled in. Longer names first: `$service` is not `$service_name`. */
function filledBy(variables, chosen, expression) {
  const names = variables.map((each) => each.name).concat("entry").sort((a, b) => b.length - a.length);
  const byName = Object.fromEntries(variables.map((each) => [each.name, each]));
  return names.reduce((text, name) => {
    const value = chosen[name] ? exactly(chosen[name]) : byName[name]?.everything ?? ".*";
    return text.replaceAll(`$${name}`, () => value);
  }, expression);
}

/** A value as a regular expression inside of PromQL's quotes, that matches nothing else; without a backslash. */
const exactly = (value) => value.replace(/[\\^"]/g, ".").replace(/[.*+?()[\]{}|$]/g, "[$&]").replace(/\[\.\]/g, "[.]");
