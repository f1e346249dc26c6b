import { asFleetError } from '../../errors.ts';
import type { ReceivedReport } from '../agent/agent-session.ts';
import { clockFactsOf } from './clock-facts.ts';
import type { SealedSpool, SpooledReport } from './sealed-spool.ts';

/** Makes a report safe that came from a client. Throws FleetError `spool-full` or `state-unusable`. */
export async function keepReport(
  spool: Pick<SealedSpool, 'add'>,
  client: string,
  { sealed, header: { reportId }, receivedAtMs, hello }: ReceivedReport,
): Promise<SpooledReport> {
  try {
    return await spool.add({ client, reportId, sealed, receivedAtMs, clock: clockFactsOf(hello) });
  } catch (thrown) {
    throw asFleetError(thrown, { code: 'state-unusable', stage: 'spool', client });
  }
}
