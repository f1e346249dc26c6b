/**
 * True if a name matches globs separated by commas: `*` matches any text, `?` one character, and a glob that begins
 * with `!` excludes. With exclusions alone all other names match.
 */
export function matchesGlobs(globs: string, name: string): boolean {
  const parts = globs.split(',').map((part) => part.trim());
  const excluded = parts.filter((part) => part.startsWith('!')).map((part) => part.slice(1));
  if (excluded.some((glob) => matchesGlob(glob, name))) return false;
  const included = parts.filter((part) => part !== '' && !part.startsWith('!'));
  return included.length === 0 ? excluded.length > 0 : included.some((glob) => matchesGlob(glob, name));
}

/** True if a name matches a glob. The time grows at most with the product of the lengths. */
function matchesGlob(glob: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let starAt = 0;
  for (let index = 0; index < name.length;) {
    if (glob[at] === '*') {
      star = at++;
      starAt = index;
    } else if (glob[at] === '?' || glob[at] === name[index]) {
      at++;
      index++;
    } else if (star !== -1) {
      at = star + 1;
      index = ++starAt;
    } else return false;
  }
  while (glob[at] === '*') at++;
  return at === glob.length;
}
