import { readdirSync } from 'node:fs';

/** Returns what is below a folder, at any depth and relative to it, whose name ends so. */
export function namesBelow(dir: string, ending = ''): readonly string[] {
  const names = readdirSync(dir, { recursive: true }).map(String);
  return names.filter((name) => name.endsWith(ending));
}
