import type { Client } from '../../config/config.ts';
import type { FleetError } from '../../errors.ts';
import type { CleanupAnswer } from '../../collector/agent/cleanup-client.ts';
import { describeSize } from '../../text/numbers.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import type { Output } from '../terminal/output.ts';

/** The outcome for one client. */
export interface CleanupResult {
  readonly client: Client;
  /** null: there is a fault. */
  readonly answer: CleanupAnswer | null;
  readonly fault: FleetError | null;
}

/** Returns a line for each client, and one for each of its folders. */
export function cleanupText(output: Output, results: readonly CleanupResult[]): string {
  const lines = results.flatMap(({ client, answer, fault }) => {
    if (answer === null) {
      return [
        `${client.name}: ${output.colour('red', fault?.code ?? '')}  ${fault?.message ?? ''}. ${fault?.advice ?? ''}`,
      ];
    }
    return [`${client.name}: ${outcomeOf(output, answer)}`, ...folderLines(answer), ...spoolLines(client, answer)];
  });
  const removed = results.some(({ answer }) => answer !== null && answer.removed.length > 0);
  const hint = 'The next collect brings the agent again, unless the client is gone from config.xml or state="retired".';
  return [...lines, ...(removed ? ['', hint] : [])].join('\n');
}

function outcomeOf(output: Output, { removed, left, waiting }: CleanupAnswer): string {
  const bytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (left.length > 0) return output.colour('red', `not everything could be removed`);
  if (removed.length > 0) return `${describeSize(bytes)} removed`;
  const { own, others } = waiting;
  if (own + others === 0) return 'nothing there';
  const whose = own === 0 ? 'of other collectors' : others === 0 ? '' : `(${others} of other collectors)`;
  const count = `${own + others} sealed ${own + others === 1 ? 'report' : 'reports'} ${whose}`.trim();
  return output.colour('red', `${count} could not be brought home, so nothing was removed; --force loses them`);
}

function folderLines({ removed, left }: CleanupAnswer): string[] {
  return [
    ...removed.map(({ path, sizeBytes }) => `  ${path}  ${describeSize(sizeBytes)}`),
    ...left.map((path) => `  ${path}  is left`),
  ];
}

/** Names crontab lines that are left: they would go on looking, every few minutes, for programs that were removed. */
function spoolLines({ name }: Client, { removed, waiting, spool }: CleanupAnswer): string[] {
  if (removed.length === 0 && waiting.own + waiting.others > 0) return [];
  const what =
    spool.lines > 0
      ? `  its crontab still has ${spool.lines === 1 ? 'a line' : `${spool.lines} lines`} of fleet-health spool, which`
      : '  a crontab there may still have the line of fleet-health spool, which';
  const how = `finds nothing now; fleet-health spool ${shownShellWord(name)} --remove prints what takes it out`;
  return spool.lines + spool.scripts === 0 ? [] : [`${what} ${how}`];
}

/** The outcome for one client as JSON. */
export function cleanupJson({ client, answer, fault }: CleanupResult): unknown {
  return {
    client: client.name,
    removed: (answer?.removed ?? []).map(({ path, sizeBytes }) => ({ path, size_bytes: sizeBytes })),
    left: answer?.left ?? [],
    spool_lines: answer === null ? null : answer.spool.lines,
    spool_scripts: answer === null ? null : answer.spool.scripts,
    waiting_reports: answer === null ? null : answer.waiting.own + answer.waiting.others,
    code: fault?.code ?? null,
    message: fault?.message ?? null,
  };
}
