/**
 * Loaded into every process of a demo with `node --import`: rewrites one module of the core as it is loaded, so that
 * its promise is broken. SABOTAGE names a row of the table.
 */
import { register } from 'node:module';

register('./sabotage-hooks.mjs', import.meta.url, { data: process.env.SABOTAGE });
