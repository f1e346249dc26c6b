import type { CollectEvent, CollectResult } from '../../collector/collect-options.ts';

/** What a person, a log or a program sees of one pass. */
export interface CollectView {
  observe(event: CollectEvent): void;
  end(result: CollectResult): void;
}
