"""Writes a GGUF model with 16 bits a weight: to_16_bits.py FROM TO"""

import sys

import gguf
import numpy

source, target = sys.argv[1:]
reader = gguf.GGUFReader(source)
writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
for name, field in reader.fields.items():
    kind = field.types[0]
    if name.startswith("GGUF.") or name == "general.architecture":
        continue
    if name == "general.file_type":
        writer.add_uint32(name, 1)
    elif kind == gguf.GGUFValueType.ARRAY:
        writer.add_key_value(name, field.contents(), kind, sub_type=field.types[-1])
    else:
        writer.add_key_value(name, field.contents(), kind)
for tensor in reader.tensors:
    weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    writer.add_tensor(tensor.name, weights.astype(numpy.float16 if weights.ndim >= 2 else numpy.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
