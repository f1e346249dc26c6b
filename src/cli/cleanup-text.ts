import type { Client } from '../config/config.ts';
import type { FleetError } from '../errors.ts';
import type { CleanupAnswer } from '../transport/cleanup-text.ts';
import type { Output } from './output.ts';

/** What came of one client. */
export interface CleanupResult {
  readonly client: Client;
  /** null: there is a fault. */
  readonly answer: CleanupAnswer | null;
  readonly fault: FleetError | null;
}

/** For people: a line for each client, and one for each folder. */
export function cleanupText(output: Output, results: readonly CleanupResult[]): string {
  const lines = results.flatMap(({ client, answer, fault }) => {
    if (answer === null) {
      return [
        `${client.name}: ${output.colour('red', fault?.code ?? '')}  ${fault?.message ?? ''}. ${fault?.advice ?? ''}`,
      ];
    }
    return [`${client.name}: ${outcomeOf(output, answer)}`, ...folderLines(answer)];
  });
  const removed = results.some(({ answer }) => answer !== null && answer.removed.length > 0);
  const hint = 'The next collect brings the agent again, unless the client is gone from config.xml or state="retired".';
  return [...lines, ...(removed ? ['', hint] : [])].join('\n');
}

function outcomeOf(output: Output, { removed, left, waiting }: CleanupAnswer): string {
  const bytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (left.length > 0) return output.colour('red', `not everything could be removed`);
  if (removed.length > 0) return `${kibibytes(bytes)} removed`;
  const { own, others } = waiting;
  if (own + others === 0) return 'nothing there';
  const whose = own === 0 ? 'of other collectors' : others === 0 ? '' : `(${others} of other collectors)`;
  const count = `${own + others} sealed ${own + others === 1 ? 'report' : 'reports'} ${whose}`.trim();
  return output.colour('red', `${count} could not be brought home, so nothing was removed; --force loses them`);
}

function folderLines({ removed, left }: CleanupAnswer): string[] {
  return [
    ...removed.map(({ path, sizeBytes }) => `  ${path}  ${kibibytes(sizeBytes)}`),
    ...left.map((path) => `  ${path}  is left`),
  ];
}

function kibibytes(bytes: number): string {
  return `${Math.round(bytes / 1024)} KiB`;
}

/** For programs. */
export function cleanupJson({ client, answer, fault }: CleanupResult): unknown {
  return {
    client: client.name,
    removed: (answer?.removed ?? []).map(({ path, sizeBytes }) => ({ path, size_bytes: sizeBytes })),
    left: answer?.left ?? [],
    waiting_reports: answer === null ? null : answer.waiting.own + answer.waiting.others,
    code: fault?.code ?? null,
    message: fault?.message ?? null,
  };
}
