import path from 'node:path';

import { errnoOf, FleetError, unwritableError, usageError } from '../../platform/errors/errors.ts';
import { clientsXml } from '../import/clients-xml.ts';
import { loadReader } from '../import/import-kinds.ts';
import { importHosts } from '../import/import.ts';
import { likenessOf } from '../import/likeness.ts';
import type { Imported, ImportedHost, Skipped } from '../import/imported.ts';
import { compareWithFile, type Difference } from '../import/written-clients.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { writeDurably } from '../../state-folder/durable-file.ts';
import { escapeMarkup } from '../../text/escape-markup.ts';
import { counted } from '../../text/numbers.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { printAnswer, printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { ofOption } from '../command/settings.ts';
import type { importParameters } from './parameters.ts';
import { beginningOf, maxBeginning, readList } from './read-list.ts';
import { giveToService, serviceAccount } from './service-account.ts';

/** Runs `import`: prints clients for config.xml, writes them, or lists their differences from the clients of a file. */
export async function importHostsCommand(
  context: Context,
  options: OptionsOf<typeof importParameters>,
): Promise<ExitStatus> {
  const { output } = context;
  const imported = await readImported(context, options);
  for (const { where, why } of output.json ? [] : imported.skipped) {
    output.complain(escapeControls(`left out: ${where}: ${why}`));
  }
  if (options.update !== null) {
    const { update } = options;
    const difference = ofOption('--update', () => compareWithFile(imported.hosts, update));
    return printAnswer(
      output,
      () => differenceJson(difference, imported.skipped),
      () => differenceText(difference, options.update ?? ''),
    );
  }
  if (options.out === null) {
    return printAnswer(
      output,
      () => importedJson(imported, null),
      () => clientsXml(imported.hosts).trimEnd(),
    );
  }
  const file = writeClients(options.out, imported.hosts);
  const include = `<include file="${escapeMarkup(file)}"/>`;
  return printDone(
    output,
    () => importedJson(imported, file),
    () =>
      `${counted(imported.hosts.length, 'client')} written to ${file}.\nPut ${include} into config.xml, then: ` +
      `fleet-health check\n` +
      `Where there is no config.xml yet: fleet-health init --clients ${shownShellWord(file)}`,
  );
}

/**
 * Reads the list. Throws FleetError `import-unreadable`, also if the list names no machine, with what the text looks
 * like.
 */
async function readImported(context: Context, options: OptionsOf<typeof importParameters>): Promise<Imported> {
  const { kind, file, update } = options;
  let read: string | null = null;
  try {
    const list = await readList(kind, file, options, context.signal);
    read = list.text;
    const imported = importHosts(await loadReader(kind), list);
    if (imported.hosts.length > 0 || update !== null) return imported;
    throw nothingFault(imported);
  } catch (thrown) {
    if (!(thrown instanceof FleetError) || thrown.code !== 'import-unreadable') throw thrown;
    // The system is at fault, and not the text.
    if (errnoOf(thrown.cause) !== null) throw thrown;
    const likeness = likenessOf(beginningOf(file) ?? read?.slice(0, maxBeginning) ?? '', kind);
    if (likeness === null) throw thrown;
    const { stage, cause, message } = thrown;
    const shown = `${message}; it looks like ${likeness.what}`;
    throw new FleetError({ code: thrown.code, stage, message: shown, advice: likeness.remedy, cause });
  }
}

/** The most reasons that are told of a list without a machine. */
const maxReasons = 3;

function nothingFault({ skipped }: Imported): FleetError {
  const reasons = skipped.slice(0, maxReasons).map(({ where, why }) => `${where}: ${why}`);
  const more = skipped.length > maxReasons ? `; and ${counted(skipped.length - maxReasons, 'further reason')}` : '';
  const why = reasons.length === 0 ? '' : ` (${escapeControls(reasons.join('; '))}${more})`;
  const message = `the list names no machine that can be visited${why}`;
  return new FleetError({ code: 'import-unreadable', stage: 'usage', message });
}

function writeClients(out: string, hosts: readonly ImportedHost[]): string {
  const file = path.resolve(out);
  const content = `<config>\n${clientsXml(hosts, '  ')}</config>\n`;
  try {
    writeDurably({ file, content, mode: 0o640, exclusive: true, inExistingFolder: true });
  } catch (thrown) {
    if (errnoOf(thrown) === 'EEXIST') {
      const advice = `See what is new in it: --update ${shownShellWord(out)}`;
      throw usageError(`${file} exists, and is left as it is`, advice);
    }
    throw unwritableError(file, thrown);
  }
  giveToService(file, serviceAccount());
  return file;
}

function importedJson({ hosts, skipped }: Imported, file: string | null): object {
  return { command: 'import', file, clients: hosts.map(hostJson), skipped };
}

function hostJson(host: ImportedHost): object {
  const { name, ip, port, username, privateKey, proxyJump, bastion, on, url, labels, groups, checks, remarks } = host;
  return { name, ip, port, username, privateKey, proxyJump, bastion, on, url, labels, groups, checks, remarks };
}

function differenceJson({ fresh, gone, changed }: Difference, skipped: readonly Skipped[]): object {
  return { command: 'import', new: fresh.map(hostJson), gone, changed, skipped };
}

function differenceText({ fresh, gone, changed }: Difference, file: string): string {
  if (fresh.length + gone.length + changed.length === 0) return `${file} has the same clients.`;
  const lines = [
    ...changed.map(({ name, what, from, to }) =>
      escapeControls(`changed: ${name}: ${what} ${from ?? 'not set'} -> ${to ?? 'not set'}`),
    ),
    ...gone.map((name) => escapeControls(`gone: ${name}`)),
    ...(fresh.length === 0 ? [] : ['new:', clientsXml(fresh, '  ').trimEnd()]),
  ];
  return lines.join('\n');
}
