"""Search with a local pair of models on one device, without any service.

python run.py --writer FOLDER_OR_HUB_ID --blackbox FOLDER_OR_HUB_ID --device cuda --dtype bfloat16
"""

from __future__ import annotations

import argparse
from pathlib import Path

import instructzero


def main() -> None:
    """Search, and print the instruction with its test score."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--writer", required=True, help="folder or hub id of the model that writes instructions")
    parser.add_argument("--blackbox", required=True, help="folder or hub id of the model that answers")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    parser.add_argument("--dtype", default="auto", help="float32, bfloat16, float16 or auto")
    parser.add_argument("--evaluations", type=int, default=60)
    parser.add_argument("--out", default="runs/local_pair")
    arguments = parser.parse_args()
    result = instructzero.optimize(
        Path(__file__).with_name("words.csv"),
        input_column="singular",
        output_column="plural",
        writer=f"hf:{arguments.writer}",
        blackbox=f"hf:{arguments.blackbox}",
        device=arguments.device,
        dtype=arguments.dtype,
        evaluations=arguments.evaluations,
        answer_tokens=16,
        out=arguments.out,
        progress=True,
    )
    print(f"{result.test_score:.2f} {result.instruction!r}")


if __name__ == "__main__":
    main()
