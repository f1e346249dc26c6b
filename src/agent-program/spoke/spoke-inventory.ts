import { closeVisit } from '../../../agent/spool/visit.ts';
import { messageOf } from '../../platform/errors/errors.ts';
import { minuteMs } from '../../platform/units.ts';
import type { ModeContext } from '../mode-context.ts';
import { openOwnVisit } from '../push/own-visit.ts';
import { makeOwnInventory, makeOwnState } from '../push/rare-reports.ts';

/**
 * Returns a function that makes an inventory and a state report a minute after a successful visit, if they are due as
 * for pushes. They wait in the spool for the next visit, so that no visit waits for them.
 */
export function laterInventory(
  { settings, log, signal }: Pick<ModeContext, 'settings' | 'log' | 'signal'>,
  afterMs = minuteMs,
): () => void {
  const { enrolment } = settings;
  let isPlanned = false;
  return () => {
    if (isPlanned || enrolment === null || signal.aborted) return;
    isPlanned = true;
    const make = async (): Promise<void> => {
      const own = openOwnVisit(settings, enrolment);
      try {
        if (await makeOwnInventory(own, Date.now())) log.event('inventory-made', {});
        if (await makeOwnState(own, settings.changes, Date.now())) log.event('state-made', {});
      } finally {
        closeVisit(own.visit);
      }
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', cancel);
      make()
        .finally(() => (isPlanned = false))
        .catch((thrown: unknown) => log.problem('no-inventory', { reason: messageOf(thrown) }));
    }, afterMs);
    const cancel = (): void => clearTimeout(timer);
    signal.addEventListener('abort', cancel, { once: true });
  };
}
