// What is asked, in the address after `#`: a link leads to the same search, and no server sees it.

/** Return `{text, like, as}` of the address. */
export function read() {
  const found = new URLSearchParams(location.hash.slice(1));
  return { text: found.get("q") ?? "", like: found.get("like") ?? "", as: found.get("as") ?? "" };
}

/** Put a query and a person into the address; a further one is a step to go back. */
export function write(query, person) {
  const parts = new URLSearchParams();
  if (query?.text) parts.set("q", query.text);
  if (query?.like) parts.set("like", query.like);
  parts.set("as", key(person));
  const hash = `#${parts}`;
  if (hash !== location.hash) history.pushState(null, "", hash);
}

/** Whom the address calls a person. */
export const key = (person) => person.name?.toLowerCase() ?? `${person.platform}-${person.region}`;

/** The person that the address names, of those there are; null where it names nobody. */
export function personOf(as, people, platforms, regions, language) {
  const one = people.find((person) => key(person) === as);
  if (one) return one;
  const [platform, region] = as.split("-");
  if (!platforms.includes(platform) || !regions.includes(region)) return null;
  return { name: null, platform, region, language };
}
