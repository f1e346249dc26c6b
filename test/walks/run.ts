/** npm run walks: measures the walks of docs/internals.md, and says where the document differs. */
import { measureWalks } from './measure-walks.ts';
import { documentedWalks } from './documented-walks.ts';

const documented = documentedWalks();
for (const { title, files, helpers } of await measureWalks()) {
  const listed = documented.get(title) ?? [];
  console.log(`${title}: ${files.length} files, and ${helpers.length} helpers`);
  for (const file of files) if (!listed.includes(file)) console.log(`  entered, but not in docs/internals.md: ${file}`);
  for (const file of listed) if (!files.includes(file)) console.log(`  in docs/internals.md, but not entered: ${file}`);
  console.log(`  helpers: ${helpers.join(' ')}`);
}
