import type { Alert, Transition } from '../../storage/store/alert.ts';
import type { Known } from '../inhibit/difference.ts';
import type { Listener, Watch } from '../inhibit/recipients-of.ts';

export type StoredAlert = Alert & { readonly id: number };

/** One alert as it concerns one recipient. */
export interface RecipientAlert {
  readonly alert: StoredAlert;
  readonly watch: Watch;
  /** null: it was told once, and is not told any more. */
  readonly listener: Listener | null;
  readonly told: Known;
}

/** Something that one recipient may be told now. */
export interface News {
  readonly matter: RecipientAlert;
  readonly transition: Transition;
  readonly known: Known;
  readonly listedOnly: boolean;
}
