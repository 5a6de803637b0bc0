import { render } from "preact";
import "../ui/tokens.css";

render(<h1>Demo · Switchroom</h1>, document.getElementById("app")!);
