import type { Client, Config, Finding } from '../../config/config.ts';
import { loadRestrictedKeys } from '../../collector/visit/restricted-keys.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { RequestedCheck } from '../../report/wire.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { namedUpTo } from '../../text/numbers.ts';
import { placeInFile } from '../../text/plain-text.ts';
import type { Output } from '../terminal/output.ts';
import { confLine } from './conf-line.ts';

const confFile = '/etc/fleet-health/checks.d/fleet.conf';
const namedInWarning = 5;

/** Warns of each `<check>` that restricted keys do not run, with the line for the conf file of the clients. */
export function restrictedCheckWarnings({ clients, stateDir }: Config): readonly Finding[] {
  const asking = clients.filter(({ state, checks }) => state !== 'retired' && checks.length > 0);
  if (asking.length === 0) return [];
  const restricted = restrictedAt(stateDir);
  const unrun = asking.filter(restricted).flatMap(({ name, checks }) => checks.map((check) => ({ name, check })));
  return [...groupBy(unrun, ({ check }) => check)].map(([{ requested, file, line }, those]) => {
    const whom = namedUpTo(
      namedInWarning,
      those.map(({ name }) => name),
    );
    const why = `does not run on ${whom}: ${those.length === 1 ? 'the key is' : 'the keys are'} restricted`;
    const message = `<check> "${requested.name}" ${escapeControls(why)}; write this line into ${confFile} there: `;
    return { file, line, message: `${message}${shownLine(requested)}` };
  });
}

/** Prints the checks of config.xml for a client, as lines of a conf file. */
export function printChecks(output: Output, { stateDir }: Pick<Config, 'stateDir'>, client: Client): void {
  const { checks } = client;
  if (checks.length === 0) return;
  const isRestricted = restrictedAt(stateDir)(client);
  const place = isRestricted ? `the key is restricted, so these must stand in ${confFile} there` : 'sent at each visit';
  output.print(`checks of config.xml; ${place}:`);
  for (const check of checks)
    output.print(`# ${escapeControls(placeInFile(check.file, check.line))}\n${shownLine(check.requested)}`);
  output.print('');
}

/** Returns the checks of config.xml for a client as JSON. */
export function checksJson({ stateDir }: Pick<Config, 'stateDir'>, client: Client): readonly object[] {
  const sent = !restrictedAt(stateDir)(client);
  return client.checks.map((check) => {
    const { name, command, everySeconds, timeoutSeconds, format } = check.requested;
    return {
      check: name,
      command,
      every_s: everySeconds ?? null,
      timeout_s: timeoutSeconds ?? null,
      format: format ?? null,
      sent,
      conf_line: confLine(check.requested),
      place: placeInFile(check.file, check.line),
    };
  });
}

/** Returns a conf line without control characters, which harm a terminal. Keeps backslashes, as people copy lines. */
function shownLine(check: RequestedCheck): string {
  return confLine(check).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

function restrictedAt(stateDir: string): (client: Client) => boolean {
  const known = loadRestrictedKeys(statePaths(stateDir).restrictedKeys);
  return (client) => known.has(client);
}
