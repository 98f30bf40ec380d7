// Checks a file before it is sent. In: a file, what the shop reads. Out: null, or what is wrong with it.
import { size } from "./format.js";

const KINDS = "JPEG, PNG, WebP, AVIF, GIF or BMP";

/** Return `{code, message, hint}` where the file cannot be searched for. */
export function problemOf(file, { types, most_bytes: most }) {
  const name = file.name ? `“${file.name}”` : "That";
  if (/hei[cf]/i.test(file.type) || /\.hei[cf]$/i.test(file.name)) {
    return wrong(`${name} is a HEIC picture.`, `Save it as JPEG, or take a screenshot of it: ${KINDS} are read.`);
  }
  if (!types.includes(file.type)) {
    return wrong(`${name} is not a picture that the shop reads.`, `Choose a ${KINDS} file.`);
  }
  if (file.size === 0) return wrong(`${name} is empty.`, "Choose another picture.");
  if (file.size > most) {
    return wrong(`${name} has ${size(file.size)}.`, `The shop reads up to ${size(most)}: choose a smaller one.`);
  }
  return null;
}

/** The first file of a drop or a paste; null where there is none. */
export const fileOf = (transfer) => [...(transfer?.files ?? [])][0] ?? null;

const wrong = (message, hint) => ({ code: "NOT SENT", message, hint });
