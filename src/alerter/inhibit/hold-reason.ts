/** Why something is not told now. Stored nowhere: `explain` computes it again. */
export type HoldReason =
  | { readonly kind: 'silence'; readonly id: number; readonly untilMs: number }
  | { readonly kind: 'window'; readonly untilMs: number }
  /** Since the silence or window ended no row of the client has confirmed. */
  | { readonly kind: 'unconfirmed' }
  /** Its newest rows are on their way back, and nobody was told: the next row decides. */
  | { readonly kind: 'way-back' }
  | { readonly kind: 'paused'; readonly untilMs: number | null }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'isolated' }
  | { readonly kind: 'collector-silent' }
  | { readonly kind: 'bastion'; readonly name: string }
  /** Another rule of the type judges the same subject, is worse, and is told. */
  | { readonly kind: 'worse-rule'; readonly rule: string }
  | { readonly kind: 'acknowledged'; readonly by: string; readonly untilMs: number | null }
  | { readonly kind: 'flapping' }
  /** The collector's run that changed it has not ended. */
  | { readonly kind: 'run'; readonly runId: string }
  /** The hours of the recipient are over; they begin again then. */
  | { readonly kind: 'hours'; readonly untilMs: number }
  | { readonly kind: 'group-interval'; readonly untilMs: number }
  | { readonly kind: 'cap'; readonly untilMs: number }
  /** An older mail speaks of it that waits to be sent and cannot be replaced: its order would be lost. */
  | { readonly kind: 'older-mail'; readonly mailId: number }
  | { readonly kind: 'nobody' };
