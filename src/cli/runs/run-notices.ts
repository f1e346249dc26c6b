import type { FleetError } from '../../platform/errors/errors.ts';
import { AwayNotices, type AwayNoticesOptions, isDatabaseAway } from '../../notify/away-notices.ts';
import { configBroken, databaseAway } from '../../notify/away-state.ts';
import { openFaultLines } from '../../notify/hourly-line.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { complaintText } from '../command/complain.ts';
import type { Output } from '../terminal/output.ts';

interface RunNoticesOptions extends Omit<AwayNoticesOptions, 'topic' | 'now'> {
  /** The fault of config.xml if the last valid configuration is used instead; else null. */
  readonly broken: FleetError | null;
}

/** True if the output shows a fault whether its line is due or not, since nobody mails the output. */
export function showsAll({ json, terminal, verbosity }: Output): boolean {
  return json || terminal || verbosity === 'verbose';
}

/** Returns a fault whose line is not due in few words, for whoever runs the program by hand. */
export function stillText({ message, code }: FleetError): string {
  return `still: ${message} (${code})`;
}

/** The notices of a run of cron: a line an hour about each fault, and mails about the database and config.xml. */
export type RunNotices = ReturnType<typeof openRunNotices>;

/** Opens the notices. Prints the line about config.xml if the line is due, quiet or not: cron mails every line. */
export function openRunNotices({ broken, ...options }: RunNoticesOptions, output: Output) {
  const database = new AwayNotices({ ...options, now: Date.now, topic: databaseAway });
  const settings = new AwayNotices({ ...options, now: Date.now, topic: configBroken });
  const lines = openFaultLines(statePaths(options.config.stateDir).faultsLogged, Date.now);
  if (broken !== null && settings.heed(broken)) output.complain(complaintText(broken));
  return {
    /** Records a fault of the run. Returns true if its line is due. */
    heed: (fault: FleetError): boolean => (isDatabaseAway(fault) ? database : lines).heed(fault),
    /** Sends the mails that are due at the run's end. `databaseIsWell` is null if another run checks the database. */
    end: async (databaseIsWell: boolean | null): Promise<void> => {
      if (databaseIsWell !== null) lines.end();
      const faults = databaseIsWell === null ? [] : await database.end(databaseIsWell);
      for (const fault of [...faults, ...(await settings.end(broken === null))]) output.complain(complaintText(fault));
    },
  };
}
