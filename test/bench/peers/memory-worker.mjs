/** One contestant of the comparison in memory, in a process of its own: three devices and their clients. */
import { installLibraries } from './install.mjs';
import { startLiferaft } from './liferaft.mjs';
import { runLoad } from './load.mjs';
import { startPaxos } from './paxos-memory.mjs';

// The bench is gone.
process.once('disconnect', () => process.exit(0));

process.once('message', async ({ contestant }) => {
  const group = contestant === 'liferaft' ? await startLiferaft(installLibraries()) : await startPaxos();
  process.on('message', async (order) => {
    if (order.kind === 'load') {
      const figures = await runLoad({ ...order, ask: group.ask });
      process.send({ kind: 'loaded', figures });
    }
    if (order.kind === 'stop') process.exit(0);
  });
  process.send({ kind: 'ready' });
});
