// Keeps a plan under another digest that begins as its own, as if it had been found by chance.
//   node twin.mjs DATABASE DIGEST

import { DatabaseSync } from "node:sqlite";

const [file, digest] = process.argv.slice(2);
const database = new DatabaseSync(file);
const names = database.prepare("SELECT name FROM pragma_table_info('plan') WHERE name != 'digest'").all().map(({ name }) => name);
const twin = digest.slice(0, -1) + (digest.endsWith("0") ? "1" : "0");
const copy = `INSERT INTO plan (digest, ${names}) SELECT ?, ${names} FROM plan WHERE digest = ?`;
if (database.prepare(copy).run(twin, digest).changes !== 1) throw new Error("there is no such plan");
database.close();
