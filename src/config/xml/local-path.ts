import { homedir } from 'node:os';
import path from 'node:path';

import type { SourceFile } from './findings.ts';

/** A path of this machine as a file means it: `~/` is the home of this user, all else is relative to the file's folder. */
export function localPath(text: string, source: SourceFile): string {
  if (text === '~' || text.startsWith('~/')) return path.join(homedir(), text.slice(1));
  return path.resolve(path.dirname(source.path), text);
}
