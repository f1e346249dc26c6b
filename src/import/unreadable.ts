import { FleetError } from '../errors.ts';
import type { SourceText } from './imported.ts';

/** Returns the error of a text that is no list of the kind, with the reason, and with advice on where to get one. */
export function unreadable({ file }: Pick<SourceText, 'file'>, why: string, advice: string): FleetError {
  const message = `${file ?? 'standard input'}: ${why}`;
  return new FleetError({ code: 'import-unreadable', stage: 'usage', message, advice });
}
