import path from 'node:path';

import { expandHome } from '../../platform/account.ts';
import { credentialPath } from '../../platform/credentials.ts';
import type { SourceFile } from './findings.ts';

/**
 * Resolves a path of a configuration file: `~/` is the home of this user, `$CREDENTIALS_DIRECTORY/` the folder of
 * systemd's credentials. Any other path is relative to the file's folder.
 */
export function localPath(text: string, source: SourceFile): string {
  return credentialPath(text) ?? path.resolve(path.dirname(source.path), expandHome(text));
}
