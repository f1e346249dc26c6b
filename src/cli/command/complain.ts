import { asFleetError, FleetError, usageError } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { refusedFile } from '../../platform/account.ts';
import { withoutSecrets } from '../../platform/errors/revealed-secrets.ts';
import { withoutStop } from '../../text/plain-text.ts';
import type { Output } from '../terminal/output.ts';
import type { ExitStatus } from './context.ts';

/**
 * Prints the error that ended a command: a line on stderr, with --json an `error` object on stdout too, with -v the
 * stack. Returns the exit status.
 */
export function complain(output: Output, thrown: unknown): ExitStatus {
  const error = asFleetError(refusal(thrown) ?? thrown, { code: 'internal', stage: 'run' });
  output.complain(complaintText(error, output.program));
  if (output.json) output.printJson(errorDocument(error));
  if (output.verbosity === 'verbose' && error.code !== 'usage') output.complain(stackOf(error));
  return error.exitStatus;
}

/** Returns the error of a file that this account may not use, or of a removed folder; null for any other error. */
function refusal(thrown: unknown): FleetError | null {
  if (thrown instanceof Error && Reflect.get(thrown, 'syscall') === 'uv_cwd') {
    return usageError('the working folder does not exist any more', 'Go into another one: cd.');
  }
  const refused = refusedFile(thrown);
  if (refused === null) return null;
  const { file, reason, owner } = refused;
  const advice = owner === null ? 'Let its owner read and write it.' : `Run it as ${owner}, as cron does.`;
  const message = `${file} cannot be used: ${reason}`;
  return new FleetError({ code: 'state-unusable', stage: 'run', message, advice, cause: thrown });
}

/** Returns the JSON document of a command that an error ended. */
export function errorDocument(error: FleetError): object {
  return { error: { ...faultJson(error), ...(error.client === null ? {} : { client: error.client }) } };
}

/** Returns the fault of a run as JSON. */
export function faultJson({ code, stage, message, advice }: FleetError): object {
  return { code, stage, message, advice };
}

/** Returns a fault on one line: `fleet-health: MESSAGE (code). ADVICE`. */
export function complaintText(error: FleetError, program = 'fleet-health'): string {
  const [first = '', ...others] = error.message.trim().split('\n');
  const message = withoutStop(escapeControls(first));
  const more = others.length === 0 ? '' : `; and ${others.length} more`;
  return `${program}: ${message}${more} (${error.code}). ${escapeControls(error.advice)}`;
}

function stackOf(error: Error): string {
  const stack = withoutSecrets(error.stack ?? error.message)
    .split('\n')
    .map(escapeControls)
    .join('\n');
  return error.cause instanceof Error ? `${stack}\ncaused by ${stackOf(error.cause)}` : stack;
}
