"""A group chat that nobody recorded: what stays is the file that its author saved, as in many pipelines before."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from autogen import GroupChat, GroupChatManager

from sample_runs.scenarios.scenario import executor, says_done, speaker
from sample_runs.scripted_llm import Step

if TYPE_CHECKING:
    from sample_runs.scripted_llm import ScriptedLLM

FILE = "chat_history_step_3.json"

CODE = """\
I count the days with frost.

```python
import json

lowest = [-1.5, 0.5, -0.2, 2.0, -3.1, 1.0, 0.0]
frost = sum(t < 0 for t in lowest)
with open("frost_days.json", "w") as file:
    json.dump({"days": len(lowest), "frost": frost}, file)
print("Saved to frost_days.json")
```
"""

SCRIPT: dict[str, list[Step]] = {
    "You are engineer.": [CODE, "Three of seven days had frost; the counts are in frost_days.json. TERMINATE"],
}


def save(path: Path, llm: "ScriptedLLM") -> None:
    """Let the chat run in the current folder and save `groupchat.messages`, a JSON list, to `path`."""
    engineer = speaker("engineer", "You write Python code that runs as it is.", llm)
    chat = GroupChat([engineer, executor()], messages=[], max_round=6, speaker_selection_method="round_robin")
    manager = GroupChatManager(chat, llm_config=False, is_termination_msg=says_done)
    executor("admin").initiate_chat(manager, message="Step 3: count the days with frost of last week.")
    path.write_text(json.dumps(chat.messages, indent=2) + "\n")
