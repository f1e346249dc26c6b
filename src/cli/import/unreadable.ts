import { FleetError } from '../../platform/errors/errors.ts';
import type { SourceText } from './imported.ts';

/** Returns the error of a text that is no list of the kind, with the reason, and with advice on where to get one. */
export function unreadable({ file, host }: Pick<SourceText, 'file' | 'host'>, why: string, advice: string): FleetError {
  const message = `${file ?? host ?? 'standard input'}: ${why}`;
  return new FleetError({ code: 'import-unreadable', stage: 'usage', message, advice });
}
