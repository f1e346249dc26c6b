/** The reason that holds a notification back. Not stored: `explain` computes it again. */
export type HoldReason =
  | { readonly kind: 'silence'; readonly id: number; readonly untilMs: number }
  | { readonly kind: 'window'; readonly untilMs: number }
  /** No row of the client has confirmed the alert since the silence or window ended. */
  | { readonly kind: 'unconfirmed' }
  /** The newest rows show a recovery, and nobody was notified: the next row decides. */
  | { readonly kind: 'returning' }
  | { readonly kind: 'paused'; readonly untilMs: number | null }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'isolated' }
  | { readonly kind: 'collector-silent' }
  | { readonly kind: 'collector-fault' }
  /** The client's group lacks members, and its alert says so. */
  | { readonly kind: 'group-short'; readonly group: string }
  /** A machine without which the client cannot be reached is away. */
  | { readonly kind: 'bastion' | 'parent'; readonly name: string }
  /** Another rule of the type has a worse alert of the same subject, which is notified. */
  | { readonly kind: 'worse-rule'; readonly rule: string }
  /** An alert says that the same file system is nearly full now, or was since the forecast was evaluated. */
  | { readonly kind: 'nearly-full'; readonly rule: string }
  | { readonly kind: 'acknowledged'; readonly by: string; readonly untilMs: number | null }
  | { readonly kind: 'flapping' }
  /** The collector's run that changed the alert has not ended. */
  | { readonly kind: 'run'; readonly runId: string }
  /** The recipient is notified from `untilMs` on if nobody has acknowledged the alert by then. */
  | { readonly kind: 'after'; readonly untilMs: number }
  /** The hours of the recipient are over and begin again at `untilMs`. */
  | { readonly kind: 'hours'; readonly untilMs: number }
  | { readonly kind: 'group-interval'; readonly untilMs: number }
  /** The client has used up its urgent mails of the hour. */
  | { readonly kind: 'urgent-mails'; readonly untilMs: number }
  | { readonly kind: 'cap'; readonly untilMs: number }
  /** An older mail with the alert waits to be sent and cannot be replaced: the order would be lost. */
  | { readonly kind: 'older-mail'; readonly mailId: number }
  | { readonly kind: 'nobody' };

/** A step of notifying: `notifyingSteps` lists them in their order. */
export type StepName = 'ease' | 'compare' | 'hold' | 'left-behind' | 'replace' | 'postpone' | 'make';

interface HoldKind {
  /** The step that holds back for this reason; null if there is no recipient to plan for. */
  readonly by: StepName | null;
  /** True if the reason is one recipient's own; false if it holds for everybody. */
  readonly isOwn: boolean;
}

export const holdReasons: Readonly<Record<HoldReason['kind'], HoldKind>> = {
  silence: { by: 'hold', isOwn: false },
  window: { by: 'hold', isOwn: false },
  unconfirmed: { by: 'hold', isOwn: false },
  returning: { by: 'hold', isOwn: false },
  paused: { by: 'hold', isOwn: false },
  unreachable: { by: 'hold', isOwn: true },
  isolated: { by: 'hold', isOwn: true },
  'collector-silent': { by: 'hold', isOwn: true },
  'collector-fault': { by: 'hold', isOwn: true },
  'group-short': { by: 'hold', isOwn: true },
  bastion: { by: 'hold', isOwn: true },
  parent: { by: 'hold', isOwn: true },
  'worse-rule': { by: 'hold', isOwn: true },
  'nearly-full': { by: 'hold', isOwn: true },
  acknowledged: { by: 'hold', isOwn: false },
  flapping: { by: 'compare', isOwn: true },
  run: { by: 'hold', isOwn: false },
  after: { by: 'hold', isOwn: true },
  hours: { by: 'hold', isOwn: true },
  'group-interval': { by: 'postpone', isOwn: true },
  'urgent-mails': { by: 'postpone', isOwn: true },
  cap: { by: 'postpone', isOwn: true },
  'older-mail': { by: 'replace', isOwn: true },
  nobody: { by: null, isOwn: false },
};
