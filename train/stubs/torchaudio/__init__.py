"""Stands in for torchaudio, which LLaMA-Factory imports and text models never call; the real one brings CUDA libraries."""
