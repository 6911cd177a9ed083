"""Turn a GGUF file into a folder that vLLM and SGLang load: ``huggingface_folder.py GGUF FOLDER``.

Needs the packages torch, transformers, accelerate and gguf, which vLLM's environment has but for
accelerate. The weights become bfloat16; those that are tied to others are left out.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer


def convert(source: Path, folder: Path) -> None:
    """Write weights, configuration and tokenizer of ``source`` into ``folder``."""
    place = {"pretrained_model_name_or_path": source.parent, "gguf_file": source.name}
    model = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.bfloat16)
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    weights = {
        name: tensor.contiguous() for name, tensor in model.state_dict().items() if name not in tied
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    # The server may run as another user.
    (folder / "model.safetensors").chmod(0o644)
    # The file was quantised; what is written is not.
    del model.config.quantization_config
    model.config.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**place).save_pretrained(folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
