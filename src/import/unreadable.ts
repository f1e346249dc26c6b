import { FleetError } from '../errors.ts';
import type { SourceText } from './imported.ts';

/** The error of a text that is no list of the kind: what it should be, and where one comes from. */
export function unreadable({ file }: Pick<SourceText, 'file'>, why: string, advice: string): FleetError {
  const message = `${file ?? 'standard input'}: ${why}`;
  return new FleetError({ code: 'import-unreadable', stage: 'usage', message, advice });
}
