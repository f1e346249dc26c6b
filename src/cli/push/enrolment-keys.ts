import { didYouMean } from '../../config/values/nearest.ts';
import type { Config } from '../../config/config.ts';
import { unwritableError, usageError } from '../../platform/errors/errors.ts';
import { siteOfSender } from '../../report/seal/push.ts';
import { writeDurably } from '../../state-folder/durable-file.ts';
import type { StatePaths } from '../../state-folder/paths.ts';
import { newPushKey, readPushKeys, removePushTime, writePushKeys } from '../../state-folder/push-keys.ts';
import { printAnswer, printDone } from '../command/answer.ts';
import { changeTokens } from '../command/change-tokens.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { Output } from '../terminal/output.ts';

/** Returns the stored key of a sender. Makes and stores a new key with `rotate`, or if the sender has none. */
export async function keyOf(
  { signal }: Pick<Context, 'signal'>,
  { pushKeys: file, ...paths }: StatePaths,
  sender: string,
  rotate: boolean,
): Promise<string> {
  return await changeTokens({ pushKeys: file, ...paths }, signal, () => {
    const known = readPushKeys(file);
    const own = known.find(({ client }) => client === sender);
    if (own !== undefined && !rotate) return own.key;
    const made = newPushKey(sender, Date.now());
    writePushKeys(file, [...known.filter(({ client }) => client !== sender), made]);
    removePushTime(paths, sender);
    return made.key;
  });
}

/** Makes the key of a client or site useless. Throws FleetError `usage` if there is no such key. */
export async function revokeKey(context: Context, paths: StatePaths, sender: string): Promise<ExitStatus> {
  const site = siteOfSender(sender);
  const kind = site === null ? 'client' : 'site';
  const name = site ?? sender;
  await changeTokens(paths, context.signal, () => {
    const known = readPushKeys(paths.pushKeys);
    const left = known.filter(({ client }) => client !== sender);
    if (left.length < known.length) {
      writePushKeys(paths.pushKeys, left);
      removePushTime(paths, sender);
      return;
    }
    const alike = known
      .map(({ client }) => client)
      .filter((one) => (siteOfSender(one) === null) === (site === null))
      .map((one) => siteOfSender(one) ?? one);
    throw usageError(`no ${kind} "${name}" is enrolled${didYouMean(name, alike)}`);
  });
  return printDone(
    context.output,
    () => ({ command: 'enroll', client: name, revoked: true }),
    () =>
      site === null
        ? `The key of ${name} opens nothing any more. If it pushes by ssh, remove its line from authorized_keys too.`
        : `The key of the site ${name} opens nothing any more. Its collect is refused from now on (it ends with 3), and ` +
          `keeps what waits there until "enroll ${name} --site" prints a new key. ` +
          `To give the site up, take its clients out of config.xml, and its crontab away.`,
  );
}

/** Warns if no server accepts pushes over HTTP. */
export function warnWithoutEndpoint(output: Output, { serve }: Config): void {
  if (serve?.push === true) return;
  const missing = 'config.xml has no <push/> in <serve>: nothing takes these pushes until it has';
  output.complain(`${output.colour('yellow', 'warning')}: ${missing}`);
}

interface PrintedEnrolment {
  readonly client: string;
  /** The content of the file, in words. */
  readonly whose: string;
  readonly document: object;
  /** null: the document is printed. */
  readonly file: string | null;
  /** The steps that follow, in sentences. Default: none. */
  readonly next?: string;
}

/**
 * Prints the secret file of a sender, or writes it with mode 0600. Throws FleetError `usage` if it cannot be written.
 */
export function printEnrolment(output: Output, { client, whose, document, file, next }: PrintedEnrolment): void {
  const content = `${JSON.stringify(document, null, 2)}\n`;
  if (file === null) {
    printAnswer(
      output,
      () => ({ command: 'enroll', client, agent: document }),
      () => content.trimEnd(),
    );
    return;
  }
  try {
    writeDurably({ file, content, mode: 0o600, inExistingFolder: true });
  } catch (thrown) {
    throw unwritableError(file, thrown);
  }
  printDone(
    output,
    () => ({ command: 'enroll', client, file }),
    () =>
      `${file} is ${whose}. It holds a secret: it is for that machine alone.${next === undefined ? '' : `\n${next}`}`,
  );
}
