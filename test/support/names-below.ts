import { readdirSync } from 'node:fs';

/** Returns the names with this ending below a folder, at any depth and relative to the folder. */
export function namesBelow(dir: string, ending = ''): readonly string[] {
  const names = readdirSync(dir, { recursive: true }).map(String);
  return names.filter((name) => name.endsWith(ending));
}
