import { asFleetError } from '../../errors.ts';
import type { ReceivedReport } from '../agent/agent-session.ts';
import { clockFactsOf } from './clock-facts.ts';
import type { ArrivedReport, SealedSpool, SpooledReport } from './sealed-spool.ts';

/** Stores a client's report safely. Throws FleetError `spool-full` or `state-unusable`. */
export async function keepReport(
  spool: Pick<SealedSpool, 'add'>,
  client: string,
  { sealed, header: { reportId }, receivedAtMs, hello }: ReceivedReport,
): Promise<SpooledReport> {
  return await keepArrived(spool, { client, reportId, sealed, receivedAtMs, clock: clockFactsOf(hello) });
}

/** Stores a report safely whose clocks are known. Throws FleetError `spool-full` or `state-unusable`. */
export async function keepArrived(spool: Pick<SealedSpool, 'add'>, report: ArrivedReport): Promise<SpooledReport> {
  try {
    return await spool.add(report);
  } catch (thrown) {
    throw asFleetError(thrown, { code: 'state-unusable', stage: 'spool', client: report.client });
  }
}
