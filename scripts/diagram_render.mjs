// Reads DOT on standard input and writes SVG on standard output, with Graphviz compiled to WebAssembly.
import { readFileSync } from "node:fs";
import { instance } from "@viz-js/viz";

const viz = await instance();
process.stdout.write(viz.renderString(readFileSync(0, "utf8"), { format: "svg" }));
