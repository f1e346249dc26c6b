import { readFileSync, statSync } from 'node:fs';

import * as v from 'valibot';

import { fileFault, FleetError } from '../../platform/errors/errors.ts';
import { parseJson } from '../../platform/parse-json.ts';
import { isSiteName, pushKeyBytes } from '../../report/seal/push.ts';
import { shownShellWord } from '../../text/shell-word.ts';

const bytes = (length: number) =>
  v.pipe(
    v.string(),
    v.transform((text) => Buffer.from(text, 'base64url')),
    v.check((key) => key.length === length),
  );

const siteKey = v.object({
  site: v.pipe(v.string(), v.check(isSiteName)),
  /** The raw key that reports are sealed to. */
  publicKey: bytes(32),
  /** The secret that the site and the other collector share. */
  pushKey: bytes(pushKeyBytes),
});

/** The content of the file that `enroll SITE --site` prints. */
export type SiteKey = Readonly<v.InferOutput<typeof siteKey>>;

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
  const key = parseJson(siteKey, text);
  if (key === null) throw invalid(`${file} is not the key of a site`);
  return key;
}

function readText(file: string): { readonly text: string; readonly mode: number } {
  try {
    const facts = statSync(file);
    if (!facts.isFile() || facts.size > maxFileBytes) throw new Error('it is no small regular file');
    return { text: readFileSync(file, 'utf8'), mode: facts.mode };
  } catch (thrown) {
    throw invalid(`${file} cannot be read: ${fileFault(thrown)}`);
  }
}

function invalid(message: string): FleetError {
  return new FleetError({ code: 'keys-invalid', stage: 'keys', message, advice });
}
