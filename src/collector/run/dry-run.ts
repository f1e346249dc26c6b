import { FleetError } from '../../platform/errors/errors.ts';
import type { CollectResult, CollectorRun } from '../collect-options.ts';
import { openSealed } from '../ingest/intake.ts';
import { asRejected } from '../ingest/rejections.ts';
import { createClientNames } from '../sealed-reports/client-names.ts';
import { clockFactsOf } from '../sealed-reports/clock-facts.ts';
import type { VisitContext } from '../visit/context.ts';
import { endOf, resultOf } from './collect-result.ts';
import { visitClients } from './visit-clients.ts';

/** Visits clients and shows their reports. Stores and acknowledges nothing. */
export async function makeDryRun(options: CollectorRun): Promise<CollectResult> {
  const visited = await visitClients({
    run: options,
    facts: null,
    keep: showOpened(options),
    record: () => undefined,
    shares: null,
    onFault: () => undefined,
  });
  return resultOf(options.start.startedAtMs, { visited, end: endOf(options, visited) });
}

/** Shows the content of a report, or its size if it cannot be opened here. */
function showOpened({ keyRing: { opening }, config, observe }: CollectorRun): VisitContext['keep'] {
  const names = createClientNames(config.clients);
  return (client, { sealed, header, receivedAtMs, hello }) => {
    if (opening === null) {
      const message = `${client.name} sent a report of ${sealed.length} bytes, sealed to key ${header.keyId}`;
      observe({ kind: 'note', message });
      return Promise.resolve();
    }
    try {
      const arrival = { message: header, owner: names.ownerOf(client.name), receivedAtMs, clock: clockFactsOf(hello) };
      const { item } = openSealed(arrival, opening, -Infinity);
      observe({ kind: 'report', client: client.name, report: item.report });
      return Promise.resolve();
    } catch (thrown) {
      const { code, message } = asRejected(thrown);
      throw new FleetError({ code, stage: 'report', message, client: client.name, cause: thrown });
    }
  };
}
