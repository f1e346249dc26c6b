/** Shows a run to a person, a log or a program. */
export interface RunView<Event extends { readonly kind: string }, Result> {
  /** Shows the events of a kind; those of the kinds that are left out are not shown. */
  readonly on: { readonly [Kind in Event['kind']]?: (event: Extract<Event, { readonly kind: Kind }>) => void };
  readonly end: (result: Result) => void;
}

export function showEvent<Event extends { readonly kind: string }>(view: RunView<Event, never>, event: Event): void {
  const show = view.on[event.kind as Event['kind']] as ((event: Event) => void) | undefined;
  show?.(event);
}
