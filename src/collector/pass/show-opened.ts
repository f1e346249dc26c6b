import { FleetError } from '../../errors.ts';
import type { PrivateKeys } from '../../seal/open.ts';
import type { ClientNames } from '../spool/client-names.ts';
import { clockFactsOf } from '../spool/clock-facts.ts';
import type { CollectOptions } from '../collect-options.ts';
import { openSealed } from '../ingest/intake.ts';
import { asRejected } from '../ingest/rejections.ts';
import type { VisitContext } from '../visit/context.ts';

export interface ShowOpenedOptions {
  /** null: nothing can be opened here. */
  readonly keys: PrivateKeys | null;
  readonly names: ClientNames;
  readonly observe: CollectOptions['observe'];
}

/** What a dry run does with a report: shows what it says, or how large it is where nobody here can open it. */
export function showOpened({ keys, names, observe }: ShowOpenedOptions): VisitContext['keep'] {
  return (client, { sealed, header, receivedAtMs, hello }) => {
    if (keys === null) {
      const message = `${client.name} sent a report of ${sealed.length} bytes, sealed to key ${header.keyId}`;
      observe({ kind: 'note', message });
      return Promise.resolve();
    }
    try {
      const owner = names.ownerOf(client.name);
      const clock = clockFactsOf(hello);
      const { item } = openSealed({ message: header, owner, receivedAtMs, clock }, keys, -Infinity);
      observe({ kind: 'report', client: client.name, report: item.report });
      return Promise.resolve();
    } catch (thrown) {
      const { code, message } = asRejected(thrown);
      throw new FleetError({ code, stage: 'report', message, client: client.name, cause: thrown });
    }
  };
}
