import type { FleetError } from '../../errors.ts';
import { openAwayNotices, type AwayNoticesOptions } from '../../notify/away-notices.ts';
import { configBroken } from '../../notify/away-state.ts';
import { complaintText } from '../command/complain.ts';
import type { ExitStatus } from '../command/context.ts';
import type { Output } from '../terminal/output.ts';

/**
 * Says that config.xml is broken: one line an hour, quiet or not, for cron mails every line. What is returned sends the
 * mail that is due at the run's end, also the one that config.xml is valid again.
 */
export function tellOfConfig(
  broken: FleetError | null,
  options: Omit<AwayNoticesOptions, 'topic'>,
  output: Output,
): () => Promise<void> {
  const teller = openAwayNotices({ ...options, topic: configBroken });
  if (broken !== null && teller.heed(broken)) output.complain(complaintText(broken));
  return async () => {
    for (const fault of await teller.end(broken === null)) output.complain(complaintText(fault));
  };
}

/** The status that says more. */
export function worseOf(one: ExitStatus, other: ExitStatus): ExitStatus {
  return one > other ? one : other;
}
