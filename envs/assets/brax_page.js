// Entry point of brax_viewer.js; README.md says how that file is built.
import {Viewer} from './viewer.js';

// Shows a system (JSON, deflated, base64) with its states in an element of the page.
window.showBraxSystem = async function(element, base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  window.viewer = new Viewer(element, JSON.parse(await new Response(stream).text()));
};
