/** A view of a run for a person, a log or a program. */
export interface RunView<Event extends { readonly kind: string }, Result> {
  /** The functions that show the events of a kind. Events of the omitted kinds are not shown. */
  readonly on: { readonly [Kind in Event['kind']]?: (event: Extract<Event, { readonly kind: Kind }>) => void };
  readonly end: (result: Result) => void;
}

export function showEvent<Event extends { readonly kind: string }>(view: RunView<Event, never>, event: Event): void {
  const show = view.on[event.kind as Event['kind']] as ((event: Event) => void) | undefined;
  show?.(event);
}
