// Beats once a second: unlike a page's timers, a Worker's are not slowed while the tab is hidden.
setInterval(() => postMessage(null), 1000);
export {};
