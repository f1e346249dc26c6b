import type { StandNode } from '../../../config/clients/stand-tree.ts';
import { clientLink } from '../alert-list.ts';
import { amount } from '../figures.ts';
import { joined, type Markup, markup } from '../markup.ts';
import { links } from './links.ts';

/** The most machines of a level that are named. */
const maxNamed = 24;
/** The most machines at the top that are unfolded at first. */
const maxOpen = 12;

/** Renders which machines others stand on, as a tree that can be folded. Returns null if there are none. */
export function standTreeView(roots: readonly StandNode[]): Markup | null {
  if (roots.length === 0) return null;
  return markup`<section aria-labelledby="stand"><h2 id="stand">What stands on what</h2>
<ul class="tree">${roots.slice(0, maxNamed * 4).map((root) => nodeItem(root, roots.length <= maxOpen))}</ul></section>`;
}

function nodeItem({ name, isClient, isBastion, below }: StandNode, isOpen: boolean): Markup {
  const inner = below.filter((one) => one.below.length > 0);
  const leaves = below.filter((one) => one.below.length === 0);
  const more = leaves.length - maxNamed;
  return markup`<li><details${isOpen && markup` open`}><summary>${name}${isBastion && markup` (bastion)`}: ${amount(below.length, 'machine')}</summary>
${inner.length > 0 && markup`<ul class="tree">${inner.slice(0, maxNamed).map((one) => nodeItem(one, false))}</ul>`}${
    leaves.length + Number(isClient) > 0 &&
    markup`<p>${isClient && markup`${clientLink(name, links)}: `}${joined(leaves.slice(0, maxNamed).map(nameOf), ', ')}${more > 0 && markup` and ${amount(more)} more`}</p>`
  }</details></li>
`;
}

function nameOf({ name, isClient }: Pick<StandNode, 'name' | 'isClient'>): Markup {
  return isClient ? clientLink(name, links) : markup`${name}`;
}
