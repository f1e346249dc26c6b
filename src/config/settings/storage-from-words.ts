import path from 'node:path';

import { messageOf, usageError } from '../../platform/errors/errors.ts';
import { type StorageConfig, parseStorageUrl } from '../databases/kinds.ts';
import { createFindings } from '../xml/findings.ts';
import type { Element } from '../xml/parse-elements.ts';
import { checkPermissions, createSecretPlaces } from './permissions.ts';
import { readStorage } from './storage-settings.ts';

/**
 * Returns the database that a command line names by a URL, in the form of `<storage url>`, and by its password file.
 * Paths are relative to the working folder. Throws FleetError `usage`.
 */
export function storageFromWords(url: string, passwordFile: string | null): StorageConfig {
  const parsed = parseStorageUrl(url);
  if (typeof parsed === 'string') throw usageError(`the URL of the database ${parsed}`);
  if (parsed.password !== null) {
    throw usageError(
      'everybody on this machine can read a password on the command line',
      'Write it into a file of mode 0600, and name that with --password-file.',
    );
  }
  const source = { shown: '', path: path.resolve('words'), order: 0, mode: 0o600, uid: 0, gid: 0 };
  const attributes = { url, ...(passwordFile === null ? {} : { passwordFile }) };
  const element: Element = { name: 'storage', source, line: 1, attributes, children: [], faulty: false };
  const findings = createFindings();
  const places = createSecretPlaces();
  const storage = readStorage(element, '', { findings, places });
  checkPermissions([], places, findings);
  try {
    findings.throwFaults();
  } catch (thrown) {
    throw usageError(messageOf(thrown).replace(/^:1: /, ''));
  }
  return storage;
}
