import { readFileSync, statSync } from 'node:fs';

import { FleetError, messageOf } from '../../errors.ts';
import { isSiteName, pushKeyBytes } from '../../seal/push.ts';
import { shownShellWord } from '../../text/shell-word.ts';

/** The content of the file that `enroll SITE --site` prints. */
export interface SiteKey {
  readonly site: string;
  /** The raw key that reports are sealed to, 32 bytes. */
  readonly publicKey: Buffer;
  /** The secret that the site and the other collector share. */
  readonly pushKey: Buffer;
}

const publicKeyBytes = 32;
const maxFileBytes = 16 * 1024;
const advice = 'Put there what `fleet-health enroll SITE --site` prints on the collector with the database.';

/** Reads the file that `<forward key>` names. Throws FleetError `keys-invalid` or `config-permissions`. */
export function readSiteKey(file: string): SiteKey {
  const { text, mode } = readText(file);
  if ((mode & 0o007) !== 0) {
    const message = `${file} holds a key and can be read by others`;
    const advice = `Run chmod 600 ${shownShellWord(file)}, and think of \`fleet-health enroll SITE --site --rotate\` there.`;
    throw new FleetError({ code: 'config-permissions', stage: 'config', message, advice });
  }
  let found: Readonly<Record<string, unknown>> = {};
  try {
    found = (JSON.parse(text) ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    // The engine's message quotes the text, which may hold a key.
  }
  const { site } = found;
  const publicKey = bytesOf(found['publicKey'], publicKeyBytes);
  const pushKey = bytesOf(found['pushKey'], pushKeyBytes);
  if (typeof site !== 'string' || !isSiteName(site) || publicKey === null || pushKey === null) {
    throw invalid(`${file} is not the key of a site`);
  }
  return { site, publicKey, pushKey };
}

function readText(file: string): { readonly text: string; readonly mode: number } {
  try {
    const facts = statSync(file);
    if (!facts.isFile() || facts.size > maxFileBytes) throw new Error('it is no small regular file');
    return { text: readFileSync(file, 'utf8'), mode: facts.mode };
  } catch (thrown) {
    throw invalid(`${file}: ${messageOf(thrown)}`);
  }
}

function bytesOf(value: unknown, length: number): Buffer | null {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64url') : null;
  return bytes?.length === length ? bytes : null;
}

function invalid(message: string): FleetError {
  return new FleetError({ code: 'keys-invalid', stage: 'keys', message, advice });
}
