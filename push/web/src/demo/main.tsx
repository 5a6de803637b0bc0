import { render } from "preact";
import { startTexts } from "../i18n";
import "../ui/all";
import { App } from "./App";

await startTexts();
render(<App />, document.getElementById("app")!);
